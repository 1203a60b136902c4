# Values that came as they are, in the request or as files beside it: JSON, serialized R, Protocol
# Buffers, text. What is wrong with one is told in a sentence.

input_path <- function(name) file.path(".inputs", name)

# From a text, or from the file behind a connection. Not by fromJSON(): it takes what is no JSON for
# the name of a file or a URL, and reads that.
read_json <- function(source) {
  tryCatch(jsonlite::parse_json(source, simplifyVector = TRUE), error = function(e) {
    message <- conditionMessage(e)
    if (grepl("stack|nested too deeply", message)) message <- "it is nested too deeply."
    refuse(paste("Invalid JSON was posted:", message))
  })
}

read_json_file <- function(path) read_json(file(path))

# readRDS() sees for itself whether it is gzip, bzip2, xz or nothing, binary or ascii; only the bare
# stream of zlib that memCompress() makes it does not know.
read_serialized <- function(path) {
  tryCatch(
    if (is_zlib(path)) unserialize(memDecompress(read_bytes(path), "gzip")) else readRDS(path),
    error = function(e) refuse(paste("Invalid RDS was posted:", conditionMessage(e)))
  )
}

is_zlib <- function(path) {
  first <- as.integer(readBin(path, raw(), 2L))
  length(first) == 2L && first[1L] == 0x78 && (first[1L] * 256L + first[2L]) %% 31L == 0L
}

# RProtoBuf takes what is left of a broken message for the whole: it is one if it fills the bytes.
read_protobuf <- function(path) {
  bytes <- read_bytes(path)
  message <- RProtoBuf::read(RProtoBuf::P("rexp.REXP"), bytes)
  if (!RProtoBuf::isInitialized(message) || RProtoBuf::bytesize(message) != length(bytes)) {
    refuse("Invalid Protocol Buffers were posted: this is no message of the type rexp.REXP.")
  }
  RProtoBuf::unserialize_pb(bytes)
}

read_bytes <- function(path) readBin(path, raw(), n = file.size(path))

# The text of a file; what is wrong in it becomes U+FFFD, as it does in a short text.
read_text_file <- function(path) {
  bytes <- read_bytes(path)
  if (length(grepRaw(as.raw(0L), bytes, fixed = TRUE))) {
    refuse("An argument has a NUL character, which no text in R can have.")
  }
  text <- rawToChar(bytes)
  if (!validUTF8(text)) text <- iconv(text, "UTF-8", "UTF-8", sub = "\ufffd")
  Encoding(text) <- "UTF-8"
  text
}

# The fields of a whole body, by name: they are the arguments.
body_values <- function(body) {
  path <- input_path(body$value)
  named_values(switch(body$kind,
    json = read_json(body$value),
    json_file = read_json_file(path),
    rds = read_serialized(path),
    pb = read_protobuf(path)
  ))
}

named_values <- function(values) {
  if (length(values) == 0L) return(list())
  if (!is.list(values) || is.null(names(values))) {
    refuse("JSON or ProtoBuf input should be a named list.")
  }
  values
}
