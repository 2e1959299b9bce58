"""What Python 3.12 added to http.HTTPStatus, for 3.11: the quantum SDKs ask for it. Put into the clients' environment by tools/setup/clients."""
import http

for name, first in {"is_informational": 100, "is_success": 200, "is_redirection": 300, "is_client_error": 400, "is_server_error": 500}.items():
    if not hasattr(http.HTTPStatus, name):
        setattr(http.HTTPStatus, name, property(lambda status, first=first: first <= status < first + 100))
