(0,globalThis.parcelRequire94c2.register)("4bvyH",function(e,l){Object.defineProperty(e.exports,"fill",{get:()=>o,set:void 0,enumerable:!0,configurable:!0});let o=e=>console.log("basket one",e)});
//# sourceMappingURL=basket.2103a895.js.map
