"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[708],{708(e,s,c){c.d(s,["total",0,()=>console.log("cart one")])}}]);
//# sourceMappingURL=708-200c95bcc69d4900c458.js.map