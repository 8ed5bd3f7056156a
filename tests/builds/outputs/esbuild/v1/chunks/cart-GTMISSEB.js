var o=()=>console.log("cart one");export{o as total};
//# sourceMappingURL=/chunks/cart-GTMISSEB.js.map
