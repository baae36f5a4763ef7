"""The page of `pgsluice watch --web`. files/uplot.* are uPlot 1.6.32 (MIT, files/uplot-LICENSE.txt), as its npm package ships them."""
