var e=e=>console.log(`basket two`,e);export{e as fill};
//# sourceMappingURL=basket-vC93WJBp.js.map