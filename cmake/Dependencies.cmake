# Every library Sluice links. Public: what an embedder's headers need. Private: known to one layer each.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(prometheus-cpp REQUIRED COMPONENTS core)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PQXX REQUIRED IMPORTED_TARGET libpqxx)
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
find_library(HIREDIS_LIBRARY hiredis REQUIRED)
find_path(HIREDIS_INCLUDE_DIR hiredis/hiredis.h REQUIRED)
find_path(VALIJSON_INCLUDE_DIR valijson/validator.hpp REQUIRED)

add_library(sluice_public_dependencies INTERFACE)
target_link_libraries(sluice_public_dependencies INTERFACE Boost::headers Threads::Threads)

add_library(sluice_private_dependencies INTERFACE)
target_link_libraries(sluice_private_dependencies INTERFACE
    OpenSSL::Crypto spdlog::spdlog nlohmann_json::nlohmann_json yaml-cpp CLI11::CLI11 prometheus-cpp::core
    PkgConfig::PQXX PkgConfig::PQ PkgConfig::RE2 ${HIREDIS_LIBRARY})
