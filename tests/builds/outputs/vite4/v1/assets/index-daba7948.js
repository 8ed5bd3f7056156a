const o=()=>console.log("cart one");export{o as total};
//# sourceMappingURL=index-daba7948.js.map
