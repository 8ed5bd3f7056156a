const e=o=>console.log("basket one",o);export{e as fill};
//# sourceMappingURL=basket-e36c17c7.js.map
