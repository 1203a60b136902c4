# Code evaluated a statement after the other; what each said, drew and gave is kept in order. The
# parts have the classes that the package evaluate gives them (`source`, character, conditions,
# `recordedplot`) and come by its rules, so that sessions read alike; where they do not on purpose,
# tests/snippets/differences.yaml says why.

# list(output, error, trace, limit): the parts, the error that ended it with the calls that led there,
# and which limit of printing or drawing was reached. At one the code is interrupted.
# `input` is a call or source text. `show` is told each value, whether it is visible, and whether an
# error was signalled on the way to it; what it prints is the value's text.
evaluate_code <- function(input, frame, show) {
  here <- environment()
  statements <- read_statements(input)
  parts <- part_collector()
  error <- NULL
  trace <- NULL
  device <- 1L
  plots <- 0L
  limit <- NULL

  collect <- function(nothing_follows = FALSE) {
    # What cannot be kept, for want of memory or of a device that still works, is the code's error.
    plot <- tryCatch(new_plot(device, nothing_follows), error = function(e) {
      if (is.null(error)) note_error(e)
      NULL
    })
    if (!is.null(plot)) plots <<- plots + 1L
    if (plots > settings$plots) limit <<- "plots" else if (!is.null(plot)) parts$add(plot)
    parts$add_text()
  }
  collect_page <- function() {
    collect()
    if (!is.null(limit)) stop_code()
  }
  # Behind all that prints: from here on nothing is interrupted.
  note_limit <- function() {
    if (is.null(limit) && output_was_dropped()) limit <<- "output"
    if (is.null(limit)) return()
    stop_code_no_more()
    if (is.null(error)) note_error(simpleError(limit_words(limit)))
  }
  note_error <- function(e, calls = NULL) {
    parts$add_text()
    parts$add(e)
    if (!is.null(error)) return()
    error <<- e
    trace <<- calls
  }
  note_message <- function(m) {
    parts$add_condition(m)
    tryInvokeRestart("muffleMessage")
  }
  note_warning <- function(w) {
    level <- getOption("warn")
    if (level >= 2L) return()   # R makes an error of it
    if (level >= 0L) parts$add_condition(w)
    tryInvokeRestart("muffleWarning")
  }
  evaluate_within_limits <- function(expr) {
    tryCatch({
      evaluate_expression(expr)
      note_limit()
    }, interrupt = function(i) NULL)
    collect()
    note_limit()
  }
  evaluate_expression <- function(expr) {
    tryCatch(
      withCallingHandlers({
        result <- withVisible(run_expression(expr, frame, baseenv()))
        collect()
        show(result$value, result$visible, !is.null(error))
      }, message = note_message, warning = note_warning, error = function(e) {
        note_error(e, tryCatch(backtrace(here), error = function(e) NULL))
      }),
      # With its stacks used up R cannot call a handler, but it leaves by this one.
      error = function(e) if (is.null(error)) note_error(e)
    )
  }
  # How many statements were begun.
  evaluate_statements <- function() {
    for (i in seq_along(statements$src)) {
      parts$add(structure(list(src = statements$src[[i]]), class = "source"))
      device <<- grDevices::dev.cur()
      watch_pages(collect_page)
      for (expr in statements$code[[i]]) {
        evaluate_within_limits(expr)
        if (!is.null(error)) return(i)
      }
    }
    length(statements$src)
  }
  # Without this the restart leads to R's top level, and out of this process.
  stop_early <- function() {
    note_error(simpleError("The code invoked the restart 'abort'.", call = NULL))
    0L
  }

  open_screen()
  on.exit(clean_up())
  begun <- withRestarts(evaluate_statements(), abort = stop_early)
  if (!is.null(statements$problem)) {
    error <- statements$problem
    parts$add(error)
  }
  collect(nothing_follows = begun == length(statements$src))
  note_limit()
  list(output = parts$everything(), error = error, trace = trace, limit = limit)
}

# Errors at top level name this call of eval(), and backtraces begin below this function.
run_expression <- function(expr, envir, enclos) eval(expr, envir, enclos)

# What code left in the way of what comes next: output that goes elsewhere, files not written to
# their end, open devices.
clean_up <- function() {
  options(warn = 0L)
  for (i in seq_len(sink.number())) try(sink(), silent = TRUE)   # code may have closed its file
  if (sink.number("message") != 2L) sink(type = "message")
  for (number in getAllConnections()) {
    connection <- getConnection(number)
    # R itself ends where one is flushed that was never opened.
    if (number > 2L && isOpen(connection, "write")) try(flush(connection), silent = TRUE)
  }
  tryCatch(close_screen(), error = function(e) screen$devices <- NULL)
}
