var e=e=>console.log(`search`,e);export{e as find};
//# sourceMappingURL=search-oDGJVltY.js.map