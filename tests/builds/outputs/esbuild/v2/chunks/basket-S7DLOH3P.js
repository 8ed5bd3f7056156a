var l=o=>console.log("basket two",o);export{l as fill};
//# sourceMappingURL=/chunks/basket-S7DLOH3P.js.map
