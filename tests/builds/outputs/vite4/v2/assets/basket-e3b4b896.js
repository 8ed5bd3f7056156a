const l=o=>console.log("basket two",o);export{l as fill};
//# sourceMappingURL=basket-e3b4b896.js.map
