"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[907],{907(e,s,l){l.d(s,["fill",0,e=>console.log("basket two",e)])}}]);
//# sourceMappingURL=907-f18015e312ef8323bfac.js.map