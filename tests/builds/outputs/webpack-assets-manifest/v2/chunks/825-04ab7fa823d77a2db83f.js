"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[825],{825(e,s,c){c.d(s,["find",0,e=>console.log("search",e)])}}]);
//# sourceMappingURL=825-04ab7fa823d77a2db83f.js.map