# Options of a format, from the query: R constants where they read as such, text otherwise. They go
# to R's own writers by name, beside what this server passes itself by name too: so an option can
# never take the place of the object or of the file, and one that tries is R's own error.

read_options <- function(options) {
  options <- lapply(options, read_option)
  options[nzchar(names(options))]
}

# After OpenCPU's R/parse_arg_prim.R; what does not parse is refused.
read_option <- function(text) {
  if (text %in% c("true", "false")) return(text == "true")
  parsed <- parse_or_refuse(text)
  if (length(parsed) == 1L && is.atomic(parsed[[1L]])) parsed[[1L]] else text
}

# For writers that hand anything on: some print methods write a file or start a program, also by
# the beginning of the argument's name.
without_places <- function(options) {
  places <- c("file", "filename", "con", "connection", "path", "sink", "append", "browser",
              "doBrowse", "pager", "viewer")
  options[!vapply(names(options), function(name) any(startsWith(places, name)), NA)]
}

# The names by which a writer would take another file than ours.
refuse_places <- function(options) {
  for (place in intersect(names(options), c("file", "filename"))) {
    refuse(paste0("formal argument \"", place, "\" matched by multiple actual arguments"))
  }
}

# The steps of JSON's indentation: millions of spaces would make a small value fill the memory.
most_indent <- 100

refuse_indent <- function(options) {
  for (name in names(options)) {
    indents <- any(startsWith(c("pretty", "indent"), name)) && is.numeric(options[[name]])
    if (indents && isTRUE(options[[name]] > most_indent)) {
      refuse(paste0("The option '", name, "' may be at most ", most_indent, "."), "too_large")
    }
  }
}
