# Source text cut into the pieces that a console would echo one by one.

# list(src, code, problem): n texts, and for each the list of its expressions. A piece is what stands
# on the same lines; a comment or an empty line is a piece without expressions. Where the text cannot
# be parsed it is one piece, and `problem` is R's error.
read_statements <- function(input) {
  if (is.call(input)) return(list(src = whole(deparse(input)), code = list(list(input))))
  lines <- source_lines(input)
  # With a source file R keeps functions as they were written, comments and all.
  parsed <- tryCatch(parse(text = lines, srcfile = srcfilecopy("<text>", lines)), error = identity)
  if (inherits(parsed, "error")) {
    parsed$call <- NULL
    return(list(src = whole(lines), code = list(list()), problem = parsed))
  }
  if (!length(parsed)) return(list(src = with_breaks(lines), code = rep(list(list()), length(lines))))
  cut_pieces(lines, parsed)
}

cut_pieces <- function(lines, parsed) {
  spans <- vapply(attr(parsed, "srcref"), function(place) as.integer(place)[7:8], integer(2L))
  begin <- spans[1L, ]
  end <- spans[2L, ]
  opens <- c(TRUE, begin[-1L] != end[-length(end)])
  closes <- c(opens[-1L], TRUE)
  from <- begin[opens]
  to <- end[closes]
  code <- unname(split(as.list(parsed), cumsum(opens)))
  src <- lines[from]
  long <- which(to > from)
  src[long] <- vapply(long, function(i) whole(lines[from[i]:to[i]]), "")
  between <- setdiff(seq_along(lines), sequence(to - from + 1L, from))
  in_order <- order(c(from, between))
  src <- with_breaks(c(src, lines[between])[in_order])
  code <- c(code, rep(list(list()), length(between)))[in_order]
  kept <- seq_len(length(src) - (src[length(src)] == ""))   # nothing after the last line's end
  list(src = src[kept], code = code[kept])
}

# The lines of texts of which each is one or more; an end of line at a text's end begins another.
source_lines <- function(texts) {
  if (!any(grepl("\n", texts, fixed = TRUE))) return(texts)
  texts <- sub("\n$", "\n\n", texts)
  texts[texts == ""] <- "\n"
  unlist(strsplit(texts, "\n", fixed = TRUE))
}

whole <- function(lines) paste(lines, collapse = "\n")

with_breaks <- function(texts) {
  paste0(texts, rep(c("\n", ""), c(max(0L, length(texts) - 1L), min(1L, length(texts)))))
}
