const o=()=>console.log("teas");export{o as list};
//# sourceMappingURL=index-367de8fc.js.map
