var e=o=>console.log("basket one",o);export{e as fill};
//# sourceMappingURL=/chunks/basket-GM47N6GK.js.map
