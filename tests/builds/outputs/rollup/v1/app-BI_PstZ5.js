var logo = '';

document.body.append(Object.assign(new Image(), { src: logo }));
import('./basket-CPWjcEHl.js').then(({ fill }) => fill("tea"));
import('./search-S-TpQPGY.js').then(({ find }) => find("tea"));
import('./cart-DUBdgwZT.js').then(({ total }) => total());
import('./teas-D6OyJQUQ.js').then(({ list }) => list());
//# sourceMappingURL=app-BI_PstZ5.js.map
