"""Words that announce a telephone number, and words that announce some other number."""

from __future__ import annotations

import re

from hokusai_assets.privacy.context import Vocabulary, words_before

_PHONE = (
    # English
    "call", "calls", "calling", "called", "phone*", "telephone*", "tel", "tels", "ph", "mob",
    "mobile", "mobiles", "cell", "cellphone*", "cellular", "fax*", "ring", "rang", "dial",
    "dials", "dialed", "dialled", "dialling", "dialing", "text", "texts", "texting", "txt", "sms",
    "whatsapp*", "viber", "telegram", "contact*", "reach*", "landline*", "hotline*", "helpline*",
    "voicemail*", "handset", "hmu", "☎", "✆", "☏", "\U0001f4de", "\U0001f4f1", "ext", "extension",
    "callback", "msisdn", "pager",
    # German
    "telefon*", "handy*", "mobil", "mobilnummer*", "mobilfunk*", "mobiltelefon*", "rufnummer*",
    "anruf*", "ruf", "rufe", "rufen", "ruft", "rückruf*", "festnetz*", "erreich*", "durchwahl",
    "kontakt*", "fernruf",
    # French
    "téléphon*", "tél", "tel", "portable", "appel*", "appeler*", "joindre", "joignable*",
    "télécopie*", "rappel*", "composez",
    # Spanish, Portuguese, Italian, Romanian
    "teléfono*", "móvil*", "movil*", "celular*", "cel", "llam*", "llám*", "contacto*", "marcar",
    "marca", "fijo", "cellulare*", "chiam*", "recapito", "contatt*", "telemóvel", "telemovel",
    "ligar", "ligue", "liga", "ligou", "ligação", "ligações", "contat*", "fone", "zap", "suna",
    "sunati", "sună*", "sunați",
    # Dutch
    "telefoon*", "mobiel*", "gsm", "bel", "bellen", "belt", "belde", "bereik*",
    # Polish, Czech, Slovak, Slovene, Croatian
    "komórk*", "kom", "zadzwo*", "dzwo*", "faks*", "volejte", "volej", "volat", "zavol*",
    "pokličite", "nazovite", "zovite",
    # Swedish, Danish, Norwegian, Finnish
    "tfn", "tlf", "ringa", "ringe", "ringde", "nås", "kontaktnummer", "puhelin*", "puh", "soita*",
    "matkapuhelin*", "kännykkä*", "tavoit*",
    # Turkish, Hungarian, Indonesian, Vietnamese
    "ara", "arayın*", "aray*", "iletişim", "hív*", "telepon*", "telp", "hubungi",
    "ponsel", "gọi", "thoại", "sđt", "động",
    # Russian, Ukrainian, Bulgarian, Greek
    "телефон*", "тел", "моб", "мобильн*", "мобілн*", "мобилен*", "звон*", "позвон*", "дзвон*",
    "подзвон*", "факс*", "сотов*", "обад*", "τηλ", "τηλέφων*", "κιν", "κινητ*", "καλέστε", "φαξ",
    # Japanese, Chinese, Korean, Hebrew, Arabic, Hindi, Thai
    "電話", "携帯", "ケータイ", "ファックス", "連絡先", "连络", "电话", "手机", "手機", "致电",
    "拨打", "联系", "聯絡", "传真", "전화", "휴대폰", "핸드폰", "휴대전화", "연락처", "연락",
    "팩스", "טלפון", "נייד", "להתקשר", "هاتف", "جوال", "موبايل", "اتصل", "تلفن", "فون", "फ़ोन",
    "फोन", "मोबाइल", "कॉल", "โทร", "มือถือ",
)  # fmt: skip

_OTHER = (
    # English
    "order*", "invoice*", "receipt*", "ref", "reference*", "tracking", "track", "parcel*",
    "shipment*", "package*", "consignment*", "waybill*", "isbn", "issn", "doi", "sku", "part",
    "parts", "serial*", "model*", "item*", "product*", "article*", "ticket*", "case", "cases",
    "id", "ids", "account*", "acct", "iban", "version*", "v", "build*", "batch*", "lot", "po",
    "purchase*", "transaction*", "txn", "booking*", "reservation*", "confirmation*", "code*",
    "pin", "otp", "barcode*", "ean", "upc", "gtin", "timestamp*", "epoch", "unix", "qty",
    "quantity", "quantities", "price*", "total*", "amount*", "sum", "cost", "costs", "usd", "eur",
    "gbp", "jpy", "inr", "lat", "lon", "lng", "latitude", "longitude", "coordinate*", "coords",
    "gps", "temperature", "weight*", "height*", "width*", "length*", "size*", "population",
    "views", "bytes", "hash*", "checksum*", "asin", "imei", "ssn", "passport*", "licence*",
    "license*", "policy", "member", "membership", "student", "patient", "registration",
    "vat", "tax", "ein", "tin", "zip", "postcode", "page", "pages", "row", "rows",
    "lines", "job", "issue", "bug", "commit", "revenue", "sales", "units", "score*", "salary",
    "budget*", "balance*", "stock", "paid", "pay", "payment*", "warehouse", "rate",
    "rates", "measured", "measurement*", "readings", "sensor*", "value*", "volume*", "distance*",
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

# Where a phone stands; of numbers right after them only.
_PLACES = ("home", "office", "work", "desk", "direct", "evening*", "daytime", "main", "switchboard")

PHONE_WORDS = Vocabulary(
    {"phone": _PHONE, "other": _OTHER, "place": _PLACES}, near=frozenset({"other", "place"})
)

# "my number is", "his new number:"; a number alone could count anything.
_NUMBER_OF_SOMEONE = re.compile(
    # Labels of one letter or two, as on cards: T: and WA:
    r"(?:(?:^|[\s,;|(\ufffc])(?:[tpmfhocw]|wa|hp|ph)\s?[:.]\s?$"
    r"|\b(?:message|msg|voicemail)s? (?:from|to|at|on|for)"
    r"|(?:\b(?:my|his|her|their|our|your|its|new|best|daytime|evening|emergency|the|this|that)|'s)"
    r" (?:(?:new|old|own|private|personal|direct|current|best|work|home|other|usual) ){0,2}"
    r"(?:number|numbers|no|nos|nr|digits)"
    r"|\b(?:meine|seine|ihre|unsere) (?:\w+ )?nummer|\b(?:mon|son|notre|votre) (?:\w+ )?numéro"
    r"|\b(?:mi|su|tu) (?:\w+ )?número|\b(?:mio|suo|vostro) (?:\w+ )?numero"
    r"|\b(?:mijn|zijn|haar) (?:\w+ )?nummer|\b(?:mój|jego|jej) (?:\w+ )?numer"
    r"|\b(?:meu|seu) (?:\w+ )?número|\b(?:mitt|mit|min|hans|hennes) (?:\w+ )?nummer"
    r"|\bmé číslo|\bmoje číslo|\bnumeroni|\bnumaram|\b(?:мой|его|её) номер|\bszámom"
    r"|\bnumărul meu|αριθμός μου)\W{0,3}(?:is|was|are|ist|lautet|est|le|es|el|è|il|to|é|är|er|on)?"
    r"\W{0,3}(?:le |el |il )?$"
)
_PHONE_AFTER = re.compile(
    r"[ ,]{0,2}(?:[(\[] ?)?(?:mobile|mob|cell|home|work|office|fax|phone|tel|whatsapp|handy|mobil"
    r"|portable|privat|erreichbar|erreichen|anrufen|numara\w*|számon?)\b"
    r"|[ ,]{0,2}(?:just |has |keeps? |never |is |is not |isn't |does not |doesn't |not )?"
    r"(?:called|calling|calls|rang|rings|ringing|texted|texting|answer|answers|answering|picks? up"
    r"|disconnected|engaged)\b"
    r"|[ ,]{0,2}(?:is|was|that's|thats|ist|est|es|è) (?:\w+ ){1,3}"
    r"(?:number|num|phone|mobile|cell|nummer|numéro|número|numero)\b"
)


def is_someones_number(text: str, start: int, end: int) -> bool:
    """Tell whether the words right before or after text[start:end] make it a person's number."""
    before = words_before(text, start)
    if _NUMBER_OF_SOMEONE.search(before):
        return True
    return _PHONE_AFTER.match(text[end : end + 40].casefold()) is not None
