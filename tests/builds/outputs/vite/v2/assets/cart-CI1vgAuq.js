var e=()=>console.log(`cart two`);export{e as total};
//# sourceMappingURL=cart-CI1vgAuq.js.map