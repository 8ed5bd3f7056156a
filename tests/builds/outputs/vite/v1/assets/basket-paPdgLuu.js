var e=e=>console.log(`basket one`,e);export{e as fill};
//# sourceMappingURL=basket-paPdgLuu.js.map