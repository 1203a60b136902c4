# The package evaluate, called as the engine called it before it had its own evaluator. Runs where
# engine/r is; takes and answers what run_call() does.
reference_call <- function(input, frame) {
  state <- new.env()
  here <- environment()
  show_value <- function(x) {
    if (identical(class(x), "list")) {
      cat("List of length ", length(x), "\n")
      cat(paste0("[", names(x), "]"), sep = "\n")
    } else if (isS4(x)) {
      methods::show(x)
    } else {
      run_expression(quote(print(x)), list(x = x), globalenv())   # whose methods it finds
    }
  }
  handler <- evaluate::new_output_handler(
    value = function(value, visible = TRUE) {
      if (is.null(state$error)) assign(".val", value, envir = frame)
      if (visible) show_value(value)
      invisible()
    },
    error = function(e) {
      state$error <- e
      state$trace <- backtrace(here)
    }
  )
  output <- evaluate::evaluate(input, envir = frame, stop_on_error = 1L, output_handler = handler)
  options(warn = 0L)
  failed <- Filter(function(part) inherits(part, "error"), output)
  if (length(failed)) state$error <- failed[[1L]]
  list(output = output, error = state$error, trace = state$trace)
}
