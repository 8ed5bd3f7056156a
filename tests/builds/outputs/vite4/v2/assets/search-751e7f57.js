const c=o=>console.log("search",o);export{c as find};
//# sourceMappingURL=search-751e7f57.js.map
