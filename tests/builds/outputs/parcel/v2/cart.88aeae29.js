(0,globalThis.parcelRequire94c2.register)("4h7hT",function(e,t){Object.defineProperty(e.exports,"total",{get:()=>o,set:void 0,enumerable:!0,configurable:!0});let o=()=>console.log("cart two")});
//# sourceMappingURL=cart.88aeae29.js.map
