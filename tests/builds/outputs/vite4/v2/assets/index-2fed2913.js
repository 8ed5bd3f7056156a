const o=()=>console.log("cart two");export{o as total};
//# sourceMappingURL=index-2fed2913.js.map
