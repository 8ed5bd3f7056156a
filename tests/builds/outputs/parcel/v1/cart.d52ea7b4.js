(0,globalThis.parcelRequire94c2.register)("4h7hT",function(e,o){Object.defineProperty(e.exports,"total",{get:()=>t,set:void 0,enumerable:!0,configurable:!0});let t=()=>console.log("cart one")});
//# sourceMappingURL=cart.d52ea7b4.js.map
