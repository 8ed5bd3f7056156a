var c=o=>console.log("search",o);export{c as find};
//# sourceMappingURL=/chunks/search-AOOSEXN4.js.map
