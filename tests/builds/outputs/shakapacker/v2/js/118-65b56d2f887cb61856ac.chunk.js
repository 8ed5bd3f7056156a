"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[118],{118(e,s,t){t.d(s,["total",0,()=>console.log("cart two")])}}]);
//# sourceMappingURL=118-65b56d2f887cb61856ac.chunk.js.map