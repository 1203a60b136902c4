#%% a call
identity(5)
#%% a call that is invisible
invisible(5)
#%% a call of several lines
identity({
  a <- 1
  b <- 2
  a + b
})
#%% a long call
paste("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "cccccccccccccc")
#%% a call with a function in it
sapply(1:3, function(i) {
  i * 2
})
#%% a call with a comment in it
sapply(1:3, function(i) i) # the comment goes
#%% a call of an operator
`+`(1, 2)
#%% a call of a name with a space
do.call(`names<-`, list(1:2, c("a", "b")))
#%% a call that prints
print("a")
#%% a call that prints and answers
(function() { cat("printed\n"); 5 })()
#%% a call that fails
stop("no")
#%% a call that fails in an argument
identity(stop("in the argument"))
#%% a call that warns
warning("careful")
#%% a call that tells
message("hello")
#%% a call that draws
plot(1:3)
#%% a call that draws and answers
barplot(1:3)
#%% a call that draws by printing
lattice::xyplot(dist ~ speed, cars)
#%% a call that draws by ggplot
ggplot2::qplot(1:3, 1:3)
#%% a call that answers a list
list(a = 1, b = 2)
#%% a call that answers NULL
invisible(NULL)
#%% a call that answers NULL visibly
identity(NULL)
#%% a call with text in another script
paste("größe", "∞", "漢字")
#%% a call with escapes
cat("a\n\"b\"\\\t\u00e9\n")
#%% a call with a formula
lm(dist ~ speed, data = cars)
#%% a call with a missing argument
matrix(1:4, , 2)[, 1]
#%% a call with numbers
c(1L, 2.5, 1e-20, 1e100, NA, Inf)
#%% a call with a raw string
nchar(r"(a"b\c)")
#%% a call with an if
identity(if (TRUE) 1 else 2)
#%% a call of a package's function
stats::median(c(1, 3, 2))
#%% a call that assigns
assign("x", 5)
#%% a call that leaves a sink
sink("out.txt")
#%% a call that closes all connections
closeAllConnections()
#%% a call that closes the device
dev.off()
#%% a call that recurses without end
(function() sys.function()())()
#%% a call that captures
capture.output(print(1:3))
