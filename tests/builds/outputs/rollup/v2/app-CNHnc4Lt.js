var logo = '';

document.body.append(Object.assign(new Image(), { src: logo }));
import('./basket-DQY4wfU_.js').then(({ fill }) => fill("tea"));
import('./search-S-TpQPGY.js').then(({ find }) => find("tea"));
import('./cart-DGzl9S_v.js').then(({ total }) => total());
import('./teas-D6OyJQUQ.js').then(({ list }) => list());
//# sourceMappingURL=app-CNHnc4Lt.js.map
