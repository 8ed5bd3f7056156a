var t="/media/logo-HTSOYUNG.svg";document.body.append(Object.assign(new Image,{src:t}));import("/chunks/basket-GM47N6GK.js").then(({fill:e})=>e("tea"));import("/chunks/search-AOOSEXN4.js").then(({find:e})=>e("tea"));import("/chunks/cart-GTMISSEB.js").then(({total:e})=>e());import("/chunks/teas-BQLPJKM7.js").then(({list:e})=>e());
//# sourceMappingURL=/main-DDJR7ZZ5.js.map
