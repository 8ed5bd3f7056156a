var o=()=>console.log("cart two");export{o as total};
//# sourceMappingURL=/chunks/cart-E36L23OY.js.map
