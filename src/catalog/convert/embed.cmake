# Writes the converter as one C++ file: cmake -DOUT=... -DFROM=FOLDER -P embed.cmake
file(READ ${FROM}/bert.py bert)
file(READ ${FROM}/requirements.txt requirements)
file(WRITE ${OUT} "// Made by the build from src/catalog/convert.
#include \"catalog/convert.h\"

namespace meridian::catalog {

const std::string_view converter_bert = R\"~py~(${bert})~py~\";
const std::string_view converter_requirements = R\"~py~(${requirements})~py~\";

}  // namespace meridian::catalog
")
