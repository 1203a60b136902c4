#%% the device at the start
dev.cur()
#%% the devices at the start
dev.list()
#%% the size of a plot
dev.size()
#%% what the device can do
dev.interactive()
dev.displaylist()
#%% a file
png("p.png")
plot(1:3)
dev.off()
file.exists("p.png")
#%% a file in one statement
{ png("p.png"); plot(1:3); dev.off() }
#%% a file in a function
f <- function() { pdf("p.pdf"); on.exit(dev.off()); plot(1:3); "drawn" }
f()
file.exists("p.pdf")
#%% a file between plots
plot(1:3)
png("p.png")
plot(3:1)
invisible(dev.off())
plot(2:4)
#%% a file between plots in one statement
{ plot(1:3); png("p.png"); plot(3:1); dev.off(); points(2, 2) }
#%% a file left open
png("p.png")
plot(1:3)
#%% a file left open, with things after
png("p.png")
plot(1:3)
1 + 1
#%% a second device of the same kind
dev.new()
plot(1:3)
#%% a second device in one statement
{ dev.new(); plot(1:3) }
#%% a second device, then back
dev.new()
dev.set(2)
plot(1:3)
#%% dev.off of the device
dev.off()
#%% dev.off and then a plot
dev.off()
plot(1:3)
#%% dev.off and a plot in one statement
{ dev.off(); plot(1:3) }
#%% a plot, dev.off, another plot
plot(1:3)
dev.off()
plot(3:1)
#%% a plot and dev.off in one statement
{ plot(1:3); dev.off() }
#%% graphics.off
plot(1:3)
graphics.off()
plot(3:1)
#%% graphics.off at the end
plot(1:3)
graphics.off()
#%% graphics.off at the start
graphics.off()
dev.cur()
#%% the device is closed and another opened
plot(1:3)
dev.off()
dev.new()
plot(3:1)
#%% a display list is switched off
dev.control("inhibit")
plot(1:3)
#%% a display list on a file
png("p.png")
dev.control("enable")
plot(1:3)
dev.off()
#%% dev.copy
plot(1:3)
dev.copy(png, "p.png")
dev.off()
#%% dev.print
plot(1:3)
dev.print(pdf, "p.pdf")
#%% a plot copied and then added to
plot(1:3)
dev.copy(png, "p.png")
dev.off()
points(2, 2)
#%% svg and postscript files
svg("p.svg"); plot(1:3); dev.off()
postscript("p.ps"); plot(1:3); dev.off()
#%% another default device
options(device = function(...) png("p.png"))
dev.off()
plot(1:3)
#%% a bitmap that fails
png("/nosuchfolder/p.png")
plot(1:3)
#%% a device that draws nowhere
pdf(NULL)
plot(1:3)
dev.off()
#%% two files at once
png("a.png")
pdf("b.pdf")
plot(1:3)
dev.off()
plot(3:1)
dev.off()
#%% lattice on a file
library(lattice)
png("p.png")
xyplot(dist ~ speed, cars)
dev.off()
#%% recordGraphics
plot.new()
recordGraphics(rect(0, 0, 1, 1), list(), globalenv())
#%% extendrange and axisTicks draw nothing
extendrange(1:3)
axisTicks(c(0, 10), FALSE)
#%% colours draw nothing
rgb(1, 0, 0)
colorRampPalette(c("red", "blue"))(3)
#%% xy.coords draws nothing
str(xy.coords(1:3, 4:6))
