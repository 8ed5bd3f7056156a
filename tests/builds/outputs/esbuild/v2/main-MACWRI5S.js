var t="/media/logo-HTSOYUNG.svg";document.body.append(Object.assign(new Image,{src:t}));import("/chunks/basket-S7DLOH3P.js").then(({fill:e})=>e("tea"));import("/chunks/search-AOOSEXN4.js").then(({find:e})=>e("tea"));import("/chunks/cart-E36L23OY.js").then(({total:e})=>e());import("/chunks/teas-BQLPJKM7.js").then(({list:e})=>e());
//# sourceMappingURL=/main-MACWRI5S.js.map
