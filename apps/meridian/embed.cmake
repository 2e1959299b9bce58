file(READ ${MODELS} models)
file(READ ${PLATFORMS} platforms)
file(READ ${APPLICATIONS} applications)
file(READ ${PRICES} prices)
file(READ ${NODE_TYPES} node_types)
file(READ ${MARKETPLACE} marketplace)
file(READ ${PAGE} page)
file(WRITE ${OUT} "#include \"shipped_models.h\"

namespace meridian::app {

const std::string_view shipped_models = R\"embedded(${models})embedded\";
const std::string_view shipped_platforms = R\"embedded(${platforms})embedded\";
const std::string_view shipped_applications = R\"embedded(${applications})embedded\";
const std::string_view shipped_prices = R\"embedded(${prices})embedded\";
const std::string_view shipped_node_types = R\"embedded(${node_types})embedded\";
const std::string_view shipped_marketplace = R\"embedded(${marketplace})embedded\";
const std::string_view console_page = R\"embedded(${page})embedded\";

}  // namespace meridian::app
")
