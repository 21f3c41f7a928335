import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.StringReader;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

import static java.nio.charset.StandardCharsets.UTF_8;

/** Sends SMS, and keeps how each message ended. Java has no JSON parser: with yours, read POST-JSON receipts too. */
class Application {
    private static final Set<String> FINAL =
            Set.of("delivered", "failed", "rejected", "expired", "unknown", "deleted");

    final Map<String, Map<String, String>> results = new ConcurrentHashMap<>();

    /** The fields of a receipt by GET or form; empty for a request without one, such as Vonage's probe of a URL. */
    static Map<String, String> readReceipt(String target, String body) {
        String text = body.isEmpty() ? target.replaceFirst("^[^?]*\\??", "") : body;
        Map<String, String> fields = new HashMap<>();
        for (String pair : text.split("&")) {
            String[] parts = pair.split("=", 2);
            if (parts.length == 2) fields.put(decode(parts[0]), decode(parts[1]));
        }
        return fields.containsKey("messageId") && fields.containsKey("status") ? fields : Map.of();
    }

    private static String decode(String text) {
        return URLDecoder.decode(text, UTF_8);
    }

    HttpServer serve(int port) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/webhooks/dlr", this::take);
        server.start();
        return server;
    }

    private void take(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
        Map<String, String> receipt = readReceipt(exchange.getRequestURI().toString(), body);
        // Receipts come late, twice and in the wrong order: the first final status stays.
        if (!receipt.isEmpty()) {
            results.merge(receipt.get("messageId"), receipt, (old, now) -> FINAL.contains(old.get("status")) ? old : now);
        }
        exchange.sendResponseHeaders(200, -1);
        exchange.close();
    }

    /** The id of the message. callback: the URL for its receipts. */
    static String sendSms(String to, String text, String callback) throws Exception {
        Map<String, String> message = Map.of(
                "api_key", System.getenv("VONAGE_API_KEY"), "api_secret", System.getenv("VONAGE_API_SECRET"),
                "from", "AcmeInc", "to", to, "text", text, "callback", callback);
        String form = message.entrySet().stream()
                .map(field -> field.getKey() + "=" + URLEncoder.encode(field.getValue(), UTF_8))
                .collect(Collectors.joining("&"));
        String host = System.getenv("VONAGE_REST_HOST");
        URI url = URI.create(host == null ? "https://rest.nexmo.com/sms/xml" : "http://" + host + "/sms/xml");
        HttpRequest request = HttpRequest.newBuilder(url)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(form))
                .build();
        String answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
        Document document = DocumentBuilderFactory.newInstance().newDocumentBuilder()
                .parse(new InputSource(new StringReader(answer)));
        String status = document.getElementsByTagName("status").item(0).getTextContent();
        if (!status.equals("0")) throw new IOException(answer); // errors have the HTTP status 200
        return document.getElementsByTagName("messageId").item(0).getTextContent();
    }
}
