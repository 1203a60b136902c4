# Scripts and documents run as OpenCPU runs them (its R/execute_file.R): R code is evaluated, a
# knitr document knit and converted by pandoc, a template brewed, LaTeX compiled. What they write is
# the session's files, what they assign its objects.

script_types <- c("r", "brew", "rmd", "rrst", "md", "rst", "rhtml", "rnw", "rtex", "tex")
converted_types <- c("rmd", "rrst", "md", "rst")   # by pandoc; their fields are objects
latex_types <- c("rnw", "rtex", "tex")
kept_types <- c("md", "rst", "tex")                # the document is an output too
lent_types <- setdiff(script_types, c("r", "brew"))  # run among the files beside them
default_formats <- c("html", "docx", "odt")

evaluate_script <- function(request) {
  setwd(request$folder)
  suppressWarnings(rm(".Random.seed", envir = globalenv()))
  name <- basename(request$script)
  type <- script_type(name)
  if (dir.exists(request$script) || !type %in% script_types) {
    refuse(paste("Unsupported script type:", type))
  }
  fields <- script_fields(request)
  if (type %in% converted_types) fields$format <- wanted_formats(fields$format)
  check_latex(type, fields$format)
  frame <- new.env(parent = globalenv())
  if (type %in% converted_types) list2env(fields, frame)
  code <- script_code(type, name, request$script, fields)
  outcome <- run_among_neighbours(request$script, type, code, frame)
  facts <- save_session(request, frame, outcome)
  if (!facts$ok) facts$error <- paste0(facts$error, outcome$words)
  facts$bodies <- list()
  facts
}

# What follows the last dot, in lower case; the whole name where there is none.
script_type <- function(name) tolower(sub("^.*\\.", "", name))

run_among_neighbours <- function(path, type, code, frame) {
  folder <- getwd()
  name <- basename(path)
  lent <- if (type %in% lent_types) lend_neighbours(dirname(path), name)
  if (type != "r") file.copy(path, name, overwrite = TRUE)
  outcome <- run_call(code, frame, keep_value = FALSE)
  setwd(folder)
  if (conversion_failed(outcome)) {
    outcome$words <- pandoc_words(outcome)
    outcome$error$call <- NULL   # the whole text of a function of knitr
  }
  if (!is.null(lent)) return_neighbours(lent)
  if (type != "r" && !type %in% kept_types) unlink(name)
  outcome
}

# The fields of the request by name. Text is a constant where it reads as one; an uploaded file is
# none: it lies in the working folder.
script_fields <- function(request) {
  given <- Filter(function(argument) !argument$kind %in% c("file", "empty"), request$arguments)
  fields <- lapply(given, read_field)
  names(fields) <- vapply(given, function(argument) argument$name, "")
  if (!is.null(request$body)) fields <- c(fields, body_values(request$body))
  fields[nzchar(names(fields)) & !duplicated(names(fields))]
}

read_field <- function(argument) {
  switch(argument$kind,
    code = , text = read_constant(argument$value),
    code_file = , text_file = read_constant(read_text_file(input_path(argument$value))),
    read_argument(argument)$content
  )
}

read_constant <- function(text) {
  if (text %in% c("true", "false")) return(text == "true")
  parsed <- tryCatch(parse(text = text, keep.source = FALSE), error = function(e) NULL)
  if (length(parsed) == 1L && is.atomic(parsed[[1L]])) parsed[[1L]] else text
}

# knitr hands a format to pandoc through a shell: it has to be a name, with extensions.
wanted_formats <- function(format) {
  format <- as.character(unlist(format))
  format <- format[!is.na(format) & nzchar(format)]
  strange <- format[!grepl("^[A-Za-z0-9_][A-Za-z0-9_.+-]*$", format)]
  if (length(strange)) refuse(paste("Invalid document format:", strange[1L]))
  if (length(format)) format else default_formats
}

check_latex <- function(type, formats) {
  if (type %in% latex_types) refuse_without_latex("This kind of document needs")
  if (any(grepl("^(pdf|latex|beamer)", formats))) refuse_without_latex("This format needs")
  quiet_latex()
}

# The statements to run. Their printed values are the session's stdout, so they are OpenCPU's own;
# where it copies the document, it prints TRUE.
script_code <- function(type, name, path, fields) {
  quoted <- deparse(name)
  knit <- "stopifnot(require(knitr))"
  formats <- paste(deparse(fields$format), collapse = "\n")
  convert <- function(input) {
    sprintf("mapply(knitr::pandoc, input = %s, format = %s)", input, formats)
  }
  switch(type,
    r = read_script(path),
    brew = sprintf("brew::brew(file = %s, output = %s)", quoted, brew_output(fields$output)),
    rmd = , rrst = c(knit, sprintf("mdfile <- knit(%s)", quoted), convert("mdfile"), "rm(mdfile)"),
    md = , rst = c(knit, sprintf("file.exists(%s)", quoted), convert(quoted)),
    rhtml = c(knit, sprintf("knit(%s)", quoted)),
    rnw = , rtex = c(knit, sprintf("texfile <- knit(%s)", quoted), "tools::texi2pdf(texfile)"),
    tex = c(sprintf("file.exists(%s)", quoted), sprintf("tools::texi2pdf(%s)", quoted))
  )
}

# The lines of a script: UTF-8 with or without a mark at its start, else Latin-1.
read_script <- function(path) {
  lines <- readLines(path, warn = FALSE)
  if (!all(validUTF8(lines))) lines <- iconv(lines, "latin1", "UTF-8")
  Encoding(lines) <- "UTF-8"
  sub("^\ufeff", "", lines)
}

brew_output <- function(output) {
  if (!is.character(output) || !nzchar(output)) "stdout()" else deparse(basename(output))
}

conversion_failed <- function(outcome) {
  !is.null(outcome$error) && identical(conditionMessage(outcome$error), "conversion failed")
}

# pandoc tells why it failed to the process's own stderr: it is asked once more, to hear it.
pandoc_words <- function(outcome) {
  told <- Filter(function(part) inherits(part, "message"), outcome$output)
  told <- trimws(vapply(told, conditionMessage, ""))
  last <- utils::tail(told[startsWith(told, "Executing: pandoc ")], 1L)
  if (!length(last)) return(NULL)
  words <- suppressWarnings(
    system2("pandoc", sub("^Executing: pandoc ", "", last), stdout = TRUE, stderr = TRUE)
  )
  if (length(words)) clean(paste0("\n\npandoc:\n", paste(utils::head(words, 20L), collapse = "\n")))
}
