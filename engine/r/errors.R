# Error texts in OpenCPU's form: the message, the call it came from, the calls that led to it.

error_text <- function(e, calls = NULL) {
  text <- conditionMessage(e)
  call <- conditionCall(e)
  if (!is.null(call)) {
    text <- paste0(text, "\n\nIn call:\n", paste(deparse(call), collapse = "\n"))
  }
  trace <- backtrace(calls)
  if (length(trace)) text <- paste0(text, "\n\nBacktrace:\n", paste(trace, collapse = "\n"))
  clean(text)
}

# The calls below the evaluator, one a line, outermost first, at most `longest`.
backtrace <- function(calls, width = 100L, longest = 50L) {
  if (is.null(calls)) return(character())
  heads <- vapply(calls, function(call) deparse(call[[1L]], nlines = 1L)[1L], "")
  first <- if (any(heads == "eval_with_user_handlers")) {
    max(which(heads == "eval_with_user_handlers")) + 1L
  } else {
    1L
  }
  handlers <- which(heads %in% c(".handleSimpleError", "h", "(function (e) ", "output_handler$error"))
  last <- if (length(handlers)) min(handlers[handlers > first], length(calls) + 1L) - 1L else length(calls)
  if (last < first) return(character())
  more <- max(0L, last - first + 1L - longest)
  last <- last - more
  lines <- vapply(calls[first:last], function(call) {
    line <- deparse(call, width.cutoff = 60L, nlines = 2L)
    if (length(line) > 1L || nchar(line[1L]) > width) {
      line <- paste0(substr(line[1L], 1L, width), " ...")
    }
    line[1L]
  }, "")
  lines <- sprintf("%2d. %s", seq_along(lines), lines)
  if (more > 0L) c(lines, sprintf("... and %d more", more)) else lines
}
