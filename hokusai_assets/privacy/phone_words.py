"""Words that announce a telephone number, and words that announce some other number."""

from __future__ import annotations

from hokusai_assets.privacy.context import Vocabulary

_PHONE = (
    # English
    "call", "calls", "calling", "called", "phone*", "telephone*", "tel", "tels", "ph", "mob",
    "mobile*", "cell", "cells", "cellphone*", "cellular", "fax*", "ring", "rang", "dial*", "text",
    "texts", "texting", "txt", "sms", "whatsapp*", "viber", "telegram", "contact*", "reach*",
    "landline*", "hotline*", "helpline*", "voicemail*", "handset", "callback", "msisdn", "pager",
    # German
    "telefon*", "handy*", "mobil*", "rufnummer*", "anruf*", "ruf", "rufe", "rufen", "ruft",
    "rückruf*", "festnetz*", "erreich*", "durchwahl", "kontakt*", "fernruf",
    # French
    "téléphon*", "tél", "tel", "portable", "appel*", "appeler*", "joindre", "joignable*",
    "télécopie*", "rappel*", "composez",
    # Spanish, Portuguese, Italian, Romanian
    "teléfono*", "móvil*", "movil*", "celular*", "cel", "llam*", "llám*", "contacto*", "marcar",
    "marque", "fijo", "cellulare*", "chiam*", "recapito", "contatt*", "telemóvel", "telemovel",
    "lig*", "contat*", "fone", "zap", "suna*", "sună*", "sunați",
    # Dutch
    "telefoon*", "mobiel*", "gsm", "bel", "bellen", "belt", "belde", "bereik*",
    # Polish, Czech, Slovak, Slovene, Croatian
    "komórk*", "kom", "zadzwo*", "dzwo*", "faks*", "volejte", "volej", "volat", "zavol*", "číslo",
    "pokličite", "nazovite", "zovite",
    # Swedish, Danish, Norwegian, Finnish
    "tfn", "tlf", "ringa", "ringe", "ringde", "nås", "kontaktnummer", "puhelin*", "puh", "soita*",
    "matkapuhelin*", "kännykkä*", "tavoit*",
    # Turkish, Hungarian, Indonesian, Vietnamese
    "cep", "ara", "arayın*", "aray*", "iletişim", "hív*", "telepon*", "telp", "hp", "hubungi",
    "ponsel", "gọi", "thoại", "sđt", "động",
    # Russian, Ukrainian, Bulgarian, Greek
    "телефон*", "тел", "моб", "мобильн*", "мобілн*", "мобилен*", "звон*", "позвон*", "дзвон*",
    "подзвон*", "факс*", "сотов*", "обад*", "τηλ", "τηλέφων*", "κιν", "κινητ*", "καλέστε", "φαξ",
    # Japanese, Chinese, Korean, Hebrew, Arabic, Hindi, Thai
    "電話", "携帯", "ケータイ", "ファックス", "連絡先", "连络", "电话", "手机", "手機", "致电",
    "拨打", "联系", "聯絡", "传真", "전화", "휴대폰", "핸드폰", "휴대전화", "연락처", "연락", "팩스",
    "טלפון", "נייד", "להתקשר", "هاتف", "جوال", "موبايل", "اتصل", "تلفن", "فون", "फ़ोन", "फोन",
    "मोबाइल", "कॉल", "โทร", "มือถือ",
)  # fmt: skip

_OTHER = (
    # English
    "order*", "invoice*", "receipt*", "ref", "reference*", "tracking", "track", "parcel*",
    "shipment*", "package*", "consignment*", "waybill*", "isbn", "issn", "doi", "sku", "part",
    "parts", "serial*", "model*", "item*", "product*", "article*", "ticket*", "case", "cases",
    "id", "ids", "account*", "acct", "iban", "version*", "v", "build*", "batch*", "lot", "po",
    "purchase*", "transaction*", "txn", "booking*", "reservation*", "confirmation*", "code*",
    "pin", "otp", "barcode*", "ean", "upc", "gtin", "timestamp*", "epoch", "unix", "qty",
    "quantity", "quantities", "price*", "total*", "amount*", "sum", "cost*", "usd", "eur", "gbp",
    "jpy", "inr", "lat", "lon", "lng", "latitude", "longitude", "coordinate*", "coords", "gps",
    "temperature", "weight*", "height*", "width*", "length*", "size*", "population", "views",
    "bytes", "hash*", "checksum*", "asin", "imei", "mac", "vin", "ssn", "passport*", "licence*",
    "license*", "policy", "claim*", "member", "membership", "student", "patient", "registration",
    "vat", "tax", "ein", "tin", "zip", "postcode", "page", "pages", "row", "rows", "line",
    "lines", "job", "issue", "bug", "commit", "revenue", "sales", "units", "score*", "salary",
    "budget*", "balance*", "stock", "paid", "pay", "payment*", "bin", "warehouse", "rate",
    "rates", "measured", "measurement*", "reading*", "sensor*", "value*", "volume*", "distance*",
    "speed", "record*", "document*", "file", "catalog*", "voucher*", "coupon*", "lottery",
    "released", "firmware", "port", "pid", "session*", "request*", "born", "dob", "birth*",
    "credit", "debit", "card*", "certificate*", "device", "meter", "seal", "container*",
    # German, Dutch
    "bestell*", "auftrag*", "rechnung*", "artikel*", "sendung*", "kundennummer*", "betrag*",
    "preis*", "summe", "seriennummer*", "vertrag*", "konto*", "steuer*", "ausweis*", "paket*",
    "plz", "stück", "menge", "factuur*", "bedrag*", "prijs*", "klantnummer*", "pakket*",
    # French, Spanish, Portuguese, Italian
    "commande*", "facture*", "colis", "réf", "référence*", "montant*", "prix", "siret", "siren",
    "pedido*", "factura*", "envío*", "importe*", "precio*", "ordine*", "fattura*", "prezzo*",
    "importo*", "codice*", "fatura*", "preço*", "encomenda*", "código*", "codigo*", "matrícula",
    "dni", "nif", "nie", "cpf", "cnpj", "rg",
    # Polish, Czech, Scandinavian, Finnish, Turkish
    "zamówien*", "faktur*", "kwota", "cena", "przesył*", "pesel", "nip", "regon", "objednáv*",
    "částka", "beställning*", "ordre*", "fakturanr", "beløb", "belopp", "pris", "personnummer",
    "cpr", "tilaus*", "lasku*", "hinta", "sipariş*", "fatura*", "fiyat*", "tutar*", "kargo",
    # Russian, Japanese, Chinese, Korean
    "заказ*", "счет*", "счёт*", "цена", "сумма", "инн", "снилс", "посылк*", "артикул*", "注文",
    "請求", "金額", "価格", "追跡", "订单", "发票", "金额", "价格", "快递", "单号", "编号", "주문",
    "송장", "금액", "가격",
    # Signs
    "#", "№", "$", "€", "£", "¥",
)  # fmt: skip

PHONE_WORDS = Vocabulary({"phone": _PHONE, "other": _OTHER})
