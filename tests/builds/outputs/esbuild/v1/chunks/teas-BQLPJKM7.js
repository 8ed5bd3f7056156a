var o=()=>console.log("teas");export{o as list};
//# sourceMappingURL=/chunks/teas-BQLPJKM7.js.map
