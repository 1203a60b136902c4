#%% a warning
warning("careful")
#%% a warning of a function
f <- function(x) warning("careful")
f(1)
#%% a warning without its call
f <- function(x) warning("careful", call. = FALSE)
f(1)
#%% a warning and a value
f <- function() { warning("careful"); 5 }
f()
#%% a warning of R itself
as.integer("a")
#%% a warning of arithmetic
sqrt(-1)
1:3 + 1:2
#%% two warnings of a statement
f <- function() { warning("one"); warning("two"); 3 }
f()
#%% the same warning many times
for (i in 1:5) warning("again")
#%% a warning within a warning handler
withCallingHandlers(warning("first"), warning = function(w) warning("second"))
#%% nested warnings
f <- function() { warning("outer before"); g(); warning("outer after"); "f" }
g <- function() { warning("inner"); "g" }
f()
#%% nested warnings with output
f <- function() { cat("f\n"); warning("outer"); g(); cat("end\n"); "f" }
g <- function() { cat("g"); warning("inner"); cat("h\n") }
f()
#%% a warning that is suppressed
suppressWarnings({ warning("unheard"); 5 })
#%% a warning that is caught
tryCatch(warning("caught"), warning = function(w) conditionMessage(w))
#%% a warning that is caught by try
try(warning("passes"))
#%% a warning in a caught error
tryCatch({ warning("first"); stop("then") }, error = function(e) "caught")
#%% warnings off
options(warn = -1)
warning("unheard")
1
#%% warnings at once
options(warn = 1)
warning("at once")
1
#%% warnings are errors
options(warn = 2)
warning("too much")
1
#%% warnings of R are errors
options(warn = 2)
as.integer("a")
#%% warnings are errors, caught
options(warn = 2)
tryCatch(as.integer("a"), error = function(e) cat("caught:", conditionMessage(e), "\n"))
1
#%% warnings are errors for one statement
options(warn = 2); options(warn = 0)
warning("only told")
#%% warnings() afterwards
warning("told")
warnings()
#%% a long warning
warning(strrep("long ", 60))
#%% a warning in several pieces
warning("a", 1, TRUE)
#%% an empty warning
warning("")
warning()
#%% a warning of several lines
warning("one\ntwo\n")
#%% a warning in another script
warning("Größe ∞")
#%% a warning with bytes that are not UTF-8
warning("a\xff")
#%% a warning condition of a class of its own
warning(structure(class = c("custom", "warning", "condition"), list(message = "mine", call = NULL)))
#%% a warning condition with fields
cond <- simpleWarning("with field")
cond$extra <- 5
warning(cond)
#%% warningCondition
warning(warningCondition("built", class = "built"))
#%% a deprecated function
f <- function() .Deprecated("g")
f()
#%% a message
message("hello")
#%% a message of a function
f <- function() message("hello")
f()
#%% a message in pieces
message("a", 1, TRUE)
#%% a message without end of line
message("a", appendLF = FALSE)
message("b")
#%% an empty message
message()
#%% a message of several lines
message("one\ntwo")
#%% a message in another script
message("漢字 ∞")
#%% two messages of a statement
{ message("one"); message("two") }
#%% a message that is suppressed
suppressMessages({ message("unheard"); 5 })
#%% a message that is caught
tryCatch(message("caught"), message = function(m) cat("got:", conditionMessage(m)))
#%% a message heard and passed on
withCallingHandlers(message("passes"), message = function(m) cat("heard\n"))
#%% a message heard and muffled
withCallingHandlers({ message("stays"); cat("next\n") },
                    message = function(m) invokeRestart("muffleMessage"))
#%% a packageStartupMessage
packageStartupMessage("welcome")
#%% a message condition of a class of its own
message(structure(class = c("custom", "message", "condition"),
                  list(message = "mine\n", call = NULL)))
#%% a message within a message handler
withCallingHandlers(message("first"), message = function(m) { message("second") })
#%% message and warning and value
f <- function() { message("m"); warning("w"); "v" }
f()
#%% a condition that nobody waits for
signalCondition(simpleCondition("nobody"))
#%% a condition with a restart
withRestarts(
  { cat("before\n"); invokeRestart("mine", 5); cat("never\n") },
  mine = function(x) x * 2
)
#%% a handler that continues
withCallingHandlers(
  { x <- 10; warning("w"); x * 2 },
  warning = function(w) { cat("handling\n"); invokeRestart("muffleWarning") }
)
#%% a handler that leaves
tryCatch({ cat("a\n"); warning("w"); cat("never\n") },
         warning = function(w) cat("left\n"), finally = cat("finally\n"))
#%% a finally without a handler
tryCatch(cat("body\n"), finally = cat("finally\n"))
#%% on.exit with a warning
f <- function() { on.exit(warning("leaving")); 3 }
f()
#%% warning in an argument
f <- function(x) { cat("f\n"); x }
f({ warning("in the argument"); 4 })
#%% warnings in lapply
lapply(c("1", "a"), as.integer)
#%% warnings in vapply
vapply(c("1", "a", "b"), function(s) as.integer(s), 1L)
#%% a call that is long in a warning
f <- function(...) warning("long call")
f("aaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccccccccccccc")
#%% a warning of do.call
do.call("warning", list("by do.call"))
#%% a warning of Reduce
Reduce(function(a, b) { if (b == 3) warning("three"); a + b }, 1:4)
#%% a warning of match.arg
f <- function(x = c("a", "b")) match.arg(x)
f("a")
#%% try says its error
try(stop("tried"))
1
#%% try of a function says its error
f <- function(x) stop("tried ", x)
try(f(3))
#%% try silently
try(stop("tried"), silent = TRUE)
1
#%% try's value
x <- try(stop("tried"), silent = TRUE)
class(x)
cat(x)
#%% try between outputs
{ cat("a"); try(stop("tried")); cat("b\n") }
#%% try in a loop
for (i in 1:3) try(if (i == 2) stop("two") else cat(i, "\n"))
#%% try within capture.output
x <- capture.output(try(stop("tried")))
x
#%% geterrmessage
try(stop("tried"), silent = TRUE)
geterrmessage()
#%% try with a warning
try({ warning("w"); 5 })
#%% rlang warns and informs
rlang::warn("warned by rlang")
rlang::inform("informed by rlang")
#%% a deprecated argument by lifecycle
rlang::warn("old", class = "lifecycle_warning_deprecated")
#%% simpleError as a value
simpleError("a value")
#%% simpleWarning as a value
simpleWarning("a value")
#%% allowInterrupts
allowInterrupts(5)
#%% globalCallingHandlers is not for here
tryCatch(globalCallingHandlers(), error = function(e) "refused")
#%% a warning signalled without its restart
signalCondition(simpleWarning("bare"))
cat("on it goes\n")
#%% a message signalled without its restart
signalCondition(simpleMessage("bare\n"))
cat("on it goes\n")
#%% a condition that is a number
message(structure(5, class = c("message", "condition")))
#%% warnings and messages by the hundred
for (i in 1:200) { warning("w", i); message("m", i) }
#%% a warning that is NULL, a message that is none
warning(structure(class = c("foo", "warning", "condition"), list()))
message(structure(class = c("foo", "message", "condition"), list(message = NULL)))
message(structure(class = c("foo", "message", "condition"), new.env()))
#%% a warning whose handler fails
withCallingHandlers(warning("a"), warning = function(w) stop("in handler"))
#%% warnings are errors for the rest of a call
{ options(warn = 2); warning("x"); 1 }
#%% an expression for warnings
options(warning.expression = quote(cat("W")))
warning("x")
#%% show that warns, prints, draws, tells and fails
setClass("Q", representation(x = "numeric"))
setMethod("show", "Q", function(object) { warning("w"); cat("<Q>\n"); plot(1); message("m"); stop("e") })
new("Q", x = 1)
