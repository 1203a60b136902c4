# Scripts and documents run as OpenCPU runs them (its R/httppost_file.R): R code is evaluated, a knitr
# document knit and converted by pandoc, a template brewed. What they write is the session's files,
# what they assign its objects.

script_types <- c("r", "rmd", "md", "rst", "rrst", "rhtml", "brew", "rnw", "rtex", "tex")
kept_inputs <- c("md", "rst", "tex")

evaluate_script <- function(request) {
  setwd(request$folder)
  suppressWarnings(rm(".Random.seed", envir = globalenv()))
  name <- basename(request$script)
  type <- tolower(tools::file_ext(name))
  if (!type %in% script_types) {
    refuse(paste("Unsupported script type:", if (nzchar(type)) type else name))
  }
  frame <- new.env(parent = globalenv())
  arguments <- script_arguments(request)
  input <- script_input(type, name, request$script, arguments, frame)
  outcome <- run_call(input, frame, keep_value = FALSE)
  setwd(request$folder)
  if (!type %in% kept_inputs) unlink(name)
  facts <- save_session(request, frame, outcome)
  facts$bodies <- list()
  facts
}

# Arguments of a script are plain text, or the values of a JSON body.
script_arguments <- function(request) {
  given <- lapply(request$arguments, function(argument) argument$value)
  names(given) <- vapply(request$arguments, function(argument) argument$name, "")
  if (!is.null(request$body)) given <- c(given, read_json_body(request$body$value))
  given
}

# The code to evaluate. Documents are copied into the folder first, where their outputs will be.
script_input <- function(type, name, path, arguments, frame) {
  if (type == "r") return(paste(readLines(path, encoding = "UTF-8", warn = FALSE), collapse = "\n"))
  file.copy(path, name)
  quoted <- deparse(name)
  if (type %in% c("rmd", "md", "rst", "rrst")) {
    formats <- if (is.null(arguments$format)) c("html", "docx", "odt") else unlist(arguments$format)
    assign("format", formats, envir = frame)
  }
  switch(type,
    rmd = , rrst = sprintf("knitr::pandoc(knitr::knit(%s), format = format)", quoted),
    md = , rst = sprintf("knitr::pandoc(%s, format = format)", quoted),
    rhtml = sprintf("knitr::knit(%s)", quoted),
    brew = brew_input(quoted, arguments),
    rnw = , rtex = with_latex(sprintf("knitr::knit2pdf(%s)", quoted)),
    tex = with_latex(sprintf("tools::texi2pdf(%s)", quoted))
  )
}

brew_input <- function(quoted, arguments) {
  if (is.null(arguments$output)) return(sprintf("brew::brew(%s)", quoted))
  sprintf("brew::brew(%s, output = %s)", quoted, deparse(basename(arguments$output)))
}

with_latex <- function(code) {
  if (nzchar(Sys.which("pdflatex"))) return(code)
  refuse("This kind of document needs LaTeX, which is not installed on this server.", "no_latex")
}
