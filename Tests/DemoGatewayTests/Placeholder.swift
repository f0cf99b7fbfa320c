// DemoGateway
