import EventLoop
import Proxy
import Upstream

/// The configuration file of `postern demo`.
struct DemoConfiguration: Equatable {
    /// Where people log in.
    var port: UInt16
    /// Where the embedded gateway listens, on 127.0.0.1.
    var gatewayPort: UInt16

    init(port: UInt16, gatewayPort: UInt16) {
        self.port = port
        self.gatewayPort = gatewayPort
    }

    /// Reads back what `text` has written; nil for a file that somebody has edited.
    init?(_ file: String) {
        guard let port = Self.number(after: "    listen ", in: file),
            let gatewayPort = Self.number(after: "    server 127.0.0.1:", in: file)
        else { return nil }
        self.init(port: port, gatewayPort: gatewayPort)
        guard text == file else { return nil }
    }

    private static func number(after words: String, in text: String) -> UInt16? {
        for line in text.split(separator: "\n") where line.hasPrefix(words) {
            return UInt16(line.dropFirst(words.count).prefix { $0.isNumber })
        }
        return nil
    }

    /// The file.
    var text: String {
        """
        # Made by `postern demo`, which makes it anew at each start unless it was edited.
        error_log stderr warn;
        state_dir state;
        control   unix:control.sock;

        upstream gateway {
            # The embedded stand-in for a gateway.
            server 127.0.0.1:\(gatewayPort);
            keepalive 16;
        }

        server {
            listen \(port) ssl http2;
            server_name localhost;
            ssl_certificate     tls/cert.pem;
            ssl_certificate_key tls/key.pem;

            auth_basic           "Postern demo";
            auth_basic_user_file htpasswd;
            session    timeout=12h idle=1h;
            login_form on;

            # The page shows whom the gateway takes you for.
            gateway_auth trusted_proxy;

            limit_req rate=50r/s burst=100 nodelay per=ip;
            health    /health;

            access_log access.log combined;
            proxy_pass http://gateway;
        }

        """
    }

    /// Where an edited file has the embedded gateway: the upstream `gateway`, if it has a server on this machine.
    static func gatewayAddress(_ configuration: ProxyConfiguration) -> SocketAddress? {
        guard let upstream = configuration.upstreams.first(where: { $0.name == "gateway" }) else { return nil }
        for server in upstream.servers {
            if case .address(let address) = server.endpoint, address.isLoopback { return address }
        }
        return nil
    }
}
