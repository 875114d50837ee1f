//! Against a camera that looks at what it is asked: its digest, its clock, its own idea of its address.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;

use super::*;

const PASSWORD: &str = "open-sesame";
/// The camera's clock stands in another year.
const YEAR: i16 = 2009;

fn body(inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://www.w3.org/2003/05/soap-envelope\">\
         <SOAP-ENV:Body>{inside}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )
}

fn denied() -> (StatusCode, String) {
    let fault = "<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value><SOAP-ENV:Subcode>\
                 <SOAP-ENV:Value>ter:NotAuthorized</SOAP-ENV:Value></SOAP-ENV:Subcode></SOAP-ENV:Code></SOAP-ENV:Fault>";
    (StatusCode::BAD_REQUEST, body(fault))
}

/// Whether the login is right, and of the camera's time.
fn lets_in(request: &Node) -> bool {
    use base64::Engine as _;
    let told = |name: &str| request.text(&["UsernameToken", name]).unwrap_or_default().to_owned();
    let engine = base64::engine::general_purpose::STANDARD;
    let nonce = engine.decode(told("Nonce")).unwrap();
    let right = [nonce.as_slice(), told("Created").as_bytes(), PASSWORD.as_bytes()].concat();
    let right = engine.encode(ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &right));
    told("Username") == "studio" && told("Password") == right && told("Created").starts_with(&format!("{YEAR}-05-0"))
}

async fn answer(State(nonces): State<Arc<Mutex<Vec<String>>>>, request: String) -> (StatusCode, String) {
    let request = Node::read(&request).unwrap();
    let asks = |name: &str| request.at(&["Body", name]).is_some();
    if asks("GetSystemDateAndTime") {
        let time = "<UTCDateTime><Time><Hour>12</Hour><Minute>0</Minute><Second>7</Second></Time>";
        let date = format!("<Date><Year>{YEAR}</Year><Month>5</Month><Day>4</Day></Date></UTCDateTime>");
        return (StatusCode::OK, body(&format!("<R>{time}{date}</R>")));
    }
    if !lets_in(&request) {
        return denied();
    }
    nonces.lock().unwrap().push(request.text(&["Nonce"]).unwrap().to_owned());
    if asks("GetCapabilities") {
        // It knows nothing of the router in front of it.
        return (
            StatusCode::OK,
            body("<tt:Media><tt:XAddr>http://10.9.8.7/onvif/media_service?v=1</tt:XAddr></tt:Media>"),
        );
    }
    let profile = |token: &str, name: &str, size: (u32, u32)| {
        let (width, height) = size;
        format!(
            "<trt:Profiles token=\"{token}\"><tt:Name>{name}</tt:Name><tt:VideoEncoderConfiguration><tt:Name>enc</tt:Name>\
             <tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height>\
             </tt:Resolution><tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit></tt:RateControl>\
             </tt:VideoEncoderConfiguration></trt:Profiles>"
        )
    };
    if asks("GetProfiles") {
        let both = [profile("p1", "main", (1920, 1080)), profile("p2", "small", (640, 360))].concat();
        return (StatusCode::OK, body(&both));
    }
    let token = request.text(&["ProfileToken"]).unwrap_or_default();
    let uri = format!("rtsp://studio:{PASSWORD}@192.0.2.7:554/stream?profile={token}&amp;tcp=1");
    (StatusCode::OK, body(&format!("<trt:MediaUri><tt:Uri>{uri}</tt:Uri></trt:MediaUri>")))
}

async fn camera() -> (String, Arc<Mutex<Vec<String>>>) {
    let nonces = Arc::<Mutex<Vec<String>>>::default();
    let routes = axum::Router::new()
        .route("/onvif/device_service", post(answer))
        .route("/onvif/media_service", post(answer))
        .route("/page", post(async || "<html><body>Welcome</body></html>"))
        .with_state(Arc::clone(&nonces));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (address, nonces)
}

fn wanted(camera: &str, password: Option<&str>) -> (OnvifArguments, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{}\n", password.unwrap_or_default())).unwrap();
    let user = password.map(|_| "studio".to_owned());
    let password_file = password.map(|_| file.path().to_owned());
    (OnvifArguments { camera: camera.to_owned(), user, password_file }, file)
}

#[tokio::test]
async fn a_camera_tells_its_streams_and_what_to_write_for_them() {
    let (address, nonces) = camera().await;
    let (ask, _file) = wanted(&address, Some(PASSWORD));
    let text = streams(&ask, false).await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("main ") && lines[1].starts_with("small "), "{text}");
    assert!(lines[0].contains("H264 1920x1080 25/s"), "{text}");
    assert!(text.contains("url = \"rtsp://192.0.2.7:554/stream?profile=p1&tcp=1\"\nuser = \"studio\""), "{text}");
    assert!(!text.contains(PASSWORD), "{text}");
    let json: serde_json::Value = serde_json::from_str(&streams(&ask, true).await.unwrap()).unwrap();
    assert_eq!((json[1]["profile"].as_str(), json[1]["size"].as_str()), (Some("small"), Some("640x360")));
    let nonces = nonces.lock().unwrap();
    let once: std::collections::BTreeSet<_> = nonces.iter().collect();
    assert_eq!((nonces.len(), once.len()), (8, 8), "each request has a number of its own");
}

#[tokio::test]
async fn what_goes_wrong_is_said_with_what_to_do() {
    let (address, _) = camera().await;
    let page = format!("http://{address}/page");
    for (camera, password, words) in [
        (address.as_str(), None, "asks for a user: --user NAME --password-file FILE"),
        (address.as_str(), Some("wrong"), "refuses user or password"),
        (page.as_str(), Some(PASSWORD), "no media service"),
        ("127.0.0.1:1", None, "does not answer"),
        ("http://", None, "is no address"),
    ] {
        let (ask, _file) = wanted(camera, password);
        let told = streams(&ask, false).await.unwrap_err();
        assert!(told.contains(words), "{camera}: {told}");
    }
}
