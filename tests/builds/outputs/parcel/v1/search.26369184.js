(0,globalThis.parcelRequire94c2.register)("euFvE",function(e,r){Object.defineProperty(e.exports,"find",{get:()=>o,set:void 0,enumerable:!0,configurable:!0});let o=e=>console.log("search",e)});
//# sourceMappingURL=search.26369184.js.map
