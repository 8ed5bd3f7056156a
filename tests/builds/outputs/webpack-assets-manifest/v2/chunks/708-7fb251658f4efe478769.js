"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[708],{708(e,s,t){t.d(s,["total",0,()=>console.log("cart two")])}}]);
//# sourceMappingURL=708-7fb251658f4efe478769.js.map