"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[118],{118(e,s,c){c.d(s,["total",0,()=>console.log("cart one")])}}]);
//# sourceMappingURL=118-7623f5f04b48c7d15b80.chunk.js.map