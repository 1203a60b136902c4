#%% an error
stop("no")
#%% an error in the first of three
stop("no")
1
2
#%% an error in the middle
x <- 1
x
stop("no")
y <- 2
#%% an error at the end
x <- 1
stop("no")
#%% an error after output
cat("before")
stop("no")
#%% an error after output in one statement
{ cat("before"); stop("no") }
#%% an error after a plot
plot(1:3)
stop("no")
#%% an error after a plot in one statement
{ plot(1:3); stop("no") }
cat("never\n")
#%% an error after a plot in the last statement
{ plot(1:3); cat("drawn\n"); stop("no") }
#%% an error after a warning
{ warning("w"); stop("no") }
#%% an error after a message
{ message("m"); stop("no") }
#%% an error of a function
f <- function(x) stop("no")
f(1)
#%% an error without its call
f <- function(x) stop("no", call. = FALSE)
f(1)
#%% an error deep down
f <- function(n) if (n == 0) stop("deep") else f(n - 1)
f(10)
#%% an object that is not there
nosuchthing
#%% a function that is not there
nosuchfunction(1)
#%% a package that is not there
library(nosuchpackage)
#%% a namespace that is not there
nosuchpackage::f()
#%% an argument that is not there
f <- function(x) x
f()
#%% an unused argument
f <- function(x) x
f(1, 2)
#%% a wrong type
1 + "a"
#%% a subscript out of bounds
list(1)[[3]]
#%% match.arg
f <- function(x = c("a", "b")) match.arg(x)
f("z")
#%% stopifnot
stopifnot(1 == 2)
#%% stopifnot with a name
stopifnot("one is not two" = 1 == 2)
#%% stopifnot in a function
f <- function(x) stopifnot(is.character(x))
f(1)
#%% an empty error
stop()
#%% an error in pieces
stop("a", 1, TRUE)
#%% an error of several lines
stop("one\ntwo\n")
#%% an error in another script
stop("größer als ∞")
#%% a long error
stop(strrep("long ", 100))
#%% an error condition of a class of its own
stop(structure(class = c("custom", "error", "condition"), list(message = "mine", call = NULL)))
#%% an error condition with a call
stop(simpleError("with call", quote(f(x))))
#%% an error with data
e <- simpleError("with data")
e$data <- 1:3
stop(e)
#%% errorCondition
stop(errorCondition("built", class = "built", data = 5))
#%% a caught error
tryCatch(stop("caught"), error = function(e) cat("caught:", conditionMessage(e), "\n"))
1
#%% a caught error with finally
tryCatch(stop("caught"), error = function(e) "value", finally = cat("finally\n"))
#%% an error in a handler
tryCatch(stop("first"), error = function(e) stop("second"))
#%% an error in finally
tryCatch(1, finally = stop("in finally"))
#%% an error in on.exit
f <- function() { on.exit(stop("leaving")); 1 }
f()
#%% an error heard by a calling handler first
withCallingHandlers(stop("heard"), error = function(e) cat("hearing\n"))
#%% a warning made an error by a handler
withCallingHandlers(as.integer("a"), warning = function(w) stop("converted"))
#%% an error in a lapply
lapply(1:3, function(i) if (i == 2) stop("two") else i)
#%% an error in do.call
do.call(stop, list("by do.call"))
#%% an error in an argument
identity(stop("in the argument"))
#%% an error in a promise
f <- function(x) { cat("before\n"); force(x) }
f(stop("in the promise"))
#%% an error in a default
f <- function(x = stop("default")) x
f()
#%% an error in a replacement function
x <- 1:3
x[[5:7]] <- 1
#%% an error in a condition
if (NA) 1
#%% a loop over nothing good
for (i in function() 1) i
#%% a break outside a loop
break
#%% infinite recursion
f <- function() f()
f()
#%% infinite recursion in expressions
options(expressions = 500)
f <- function(n) f(n + 1)
f(1)
#%% infinite recursion, caught
f <- function() f()
x <- tryCatch(f(), error = function(e) "deep")
x
#%% rlang aborts
rlang::abort("aborted by rlang")
#%% rlang aborts with bullets
rlang::abort(c("headline", i = "info", x = "wrong"))
#%% rlang aborts in a function
f <- function(x) rlang::abort("in a function")
f(1)
#%% rlang aborts with a parent
tryCatch(stop("cause"), error = function(e) rlang::abort("consequence", parent = e))
#%% a dplyr error
dplyr::filter(cars, nosuch > 1)
#%% an S4 dispatch error
setGeneric("area", function(shape) standardGeneric("area"))
area(1)
#%% a matrix that does not fit
matrix(1:4, 2) %*% matrix(1:3, 1)
#%% memory that is not there
x <- numeric(1e15)
#%% a file that cannot be opened
file("/nosuchfolder/file", "w")
#%% a URL scheme that is unknown
url("nosuch://here")
#%% an error while evaluating a default plot
plot(function() 1, xlim = "a")
#%% an error in the middle of a plot
plot(1:3, xlab = stop("label"))
#%% plot.new has not been called
points(1:3)
#%% figure margins too large
par(mar = rep(100, 4))
plot(1:3)
#%% Recall
f <- function(n) if (n <= 1) 1 else n * Recall(n - 1)
f(5)
Recall()
#%% parent.frame at top level exists
is.environment(parent.frame())
#%% an error in a tryCatch that waits for warnings
tryCatch(stop("not a warning"), warning = function(w) "no")
#%% a condition of class error, signalled and caught
tryCatch(signalCondition(simpleError("signalled")), error = function(e) "caught")
#%% simpleError signalled with nobody waiting, in a try
try(signalCondition(simpleError("signalled")))
#%% an error on a line with more
x <- 1; stop("no"); y <- 2
z <- 3
#%% an error after a value on a line with more
1; stop("no"); 2
#%% a print that fails on a line with more
x <- structure(1, class = "thing"); print.thing <- function(x, ...) stop("cannot"); x; y <- 2
#%% the restart to R's top level
cat("before\n")
invokeRestart("abort")
cat("never\n")
#%% a condition of class error, signalled with nobody waiting
signalCondition(simpleError("signalled"))
x <- 2
#%% a condition of class error, signalled with nobody waiting, among output
{ cat("before\n"); signalCondition(simpleError("signalled")); cat("after\n"); 5 }
#%% an error in a hook
setHook("before.plot.new", function() stop("in the hook"))
plot(1:3)
#%% an error while a promise of the value is forced
f <- function() { g <- function(x) function() x; g(stop("late")) }
f()()
#%% the C stack is used up
f <- function(x) eval(quote(f(x)))
f(1)
#%% a regular expression that is wrong
grepl("(", "a")
#%% an error with the warnings before it
f <- function() { as.integer("a"); stop("after the warning") }
f()
#%% an error in on.exit after an error
f <- function() { on.exit(stop("second")); stop("first") }
f()
#%% an error whose message is a number
stop(structure(class = c("foo", "error", "condition"), list(message = 3, call = "abc")))
#%% an error without a message
stop(structure(class = c("foo", "error", "condition"), list()))
#%% an error whose message is missing
stop(structure(class = c("foo", "error", "condition"), list(message = NA_character_, call = NULL)))
#%% an error that is an environment
stop(structure(class = c("foo", "error", "condition"), new.env()))
#%% an error whose message fails
conditionMessage.foo <- function(c) stop("no message")
stop(structure(class = c("foo", "error", "condition"), list(message = "m", call = NULL)))
#%% an error with bytes that are not UTF-8
stop("b\xff")
#%% infinite recursion while printing S4
setClass("Q", representation(x = "numeric"))
setMethod("show", "Q", function(object) show(object))
new("Q", x = 1)
#%% infinite recursion while printing
print.q <- function(x, ...) print.q(x)
structure(1, class = "q")
#%% infinite recursion of sapply
f <- function(x) sapply(1, function(y) f(y))
f(1)
#%% a restart in the middle of a function
f <- function() { on.exit(cat("left\n")); invokeRestart("abort") }
f()
2
#%% a restart that is not there
invokeRestart("muffleMessage")
#%% more memory than there is
x <- numeric(1e13)
#%% an error hook
options(error = quote(cat("handler\n")))
stop("x")
#%% R's list of devices is tampered with
assign(".Devices", list("null device"), baseenv())
plot(1)
#%% the device draws no more
options(device = "nosuch")
invisible(dev.off())
plot(1)
#%% the display list is switched off after a plot
plot(1)
dev.control("inhibit")
plot(2)
