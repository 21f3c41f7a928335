import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.util.List;
import java.util.Map;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

class ApplicationTest {
    static void check(boolean holds, String what) {
        System.out.println((holds ? "ok " : "FAILED ") + what);
        if (!holds) System.exit(1);
    }

    /** A fixture's target and body, out of the request that devkit prints. */
    static String[] load(String name) throws IOException {
        Process devkit = new ProcessBuilder("devkit", "show", name, "--as", "http").start();
        String request = new String(devkit.getInputStream().readAllBytes(), ISO_8859_1);
        String[] parts = request.split("\r\n\r\n", 2);
        return new String[] {parts[0].split(" ")[1], parts[1]};
    }

    /** The status and the err-code of a message, once they are final. */
    static List<String> waitFor(Application application, String messageId) throws InterruptedException {
        Map<String, String> receipt = null;
        while (receipt == null || List.of("accepted", "buffered").contains(receipt.get("status"))) {
            Thread.sleep(20);
            receipt = application.results.get(messageId);
        }
        return List.of(receipt.get("status"), receipt.get("err-code"));
    }

    public static void main(String[] arguments) throws Exception {
        for (String name : List.of("failed-handset-busy", "failed-form")) {
            String[] request = load(name);
            Map<String, String> receipt = Application.readReceipt(request[0], request[1]);
            check("failed".equals(receipt.get("status")), "the sample " + name + " is read");
        }
        check(Application.readReceipt("/webhooks/dlr", "").isEmpty(), "a probe is no receipt");

        Application application = new Application();
        HttpServer server = application.serve(0);
        String callback = "http://127.0.0.1:" + server.getAddress().getPort() + "/webhooks/dlr";
        String delivered = Application.sendSms("447700900000", "Hello", callback);
        String busy = Application.sendSms("447700900003", "Hello", callback);
        check(waitFor(application, delivered).equals(List.of("delivered", "0")), "the simulator delivers");
        check(waitFor(application, busy).equals(List.of("failed", "3")), "the simulator reports an error");
        server.stop(0);
    }
}
