var e=()=>console.log(`cart one`);export{e as total};
//# sourceMappingURL=cart-Ci1K4oeL.js.map